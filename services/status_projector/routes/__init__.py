"""The query side's HTTP face: one function an endpoint, parse, call, shape."""
