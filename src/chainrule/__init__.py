"""chainrule: a glass-box engine for feed-forward neural networks."""
import chainrule.ops
