"""The ladder: chainrule against other libraries, from very small networks to very large ones."""
