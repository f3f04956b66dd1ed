"""stub"""
from dataclasses import dataclass
@dataclass(frozen=True)
class Corrections:
    mistakes: tuple
    suggestions: tuple
def corrections(*a): return Corrections((),())
