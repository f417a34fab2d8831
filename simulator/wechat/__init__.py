"""A WeChat mini-program as the receiver of its message push sees it."""
