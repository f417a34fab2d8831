"""WeCom as its callers and its callback's receiver see it."""
