"""What `import chainrule` loads, and what it says when an extra is missing."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = (
    "jax",
    "sklearn",
    "polars",
    "narwhals",
    "pandas",
    "rich",
    "typer",
    "safetensors",
    "scipy",
    "matplotlib",
)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_loads_numpy_and_nothing_heavier() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules); import chainrule, json;"
        "print(json.dumps(sorted({m.split('.')[0] for m in set(sys.modules) - before})))"
    )
    loaded = json.loads(run_python(code).stdout)
    assert "chainrule" in loaded
    foreign = {name for name in loaded if name not in sys.stdlib_module_names}
    assert foreign <= {"chainrule", "numpy"}
    assert not set(HEAVY) & set(loaded)


def test_a_missing_extra_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['polars'] = None\n"
        "sys.argv = ['chainrule', 'train', 'examples/wine-quality.csv', '--target', 'quality']\n"
        "from chainrule.cli import main; main()"
    )
    result = run_python(code)
    assert result.returncode == 1
    assert 'python -m pip install "chainrule[table]"' in result.stderr
    assert "Traceback" not in result.stderr


def test_every_op_is_a_function_of_the_package() -> None:
    import chainrule as cr
    from chainrule.ir.registry import every_op

    for op in every_op():
        assert getattr(cr, op.name) is op
        assert op.name in dir(cr)
