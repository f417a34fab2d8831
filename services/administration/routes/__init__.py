"""The administration's HTTP face: one function an endpoint, parse, call, shape."""
