"""Where providers call us, one module a channel; `door.Door` is the same for all."""
