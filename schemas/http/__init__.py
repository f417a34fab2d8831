"""Bodies, answers and error shapes of the HTTP APIs, one module a family."""
