"""The HTTP routes. Each reads top-down: gate, then one call of the kernel, then the answer."""
