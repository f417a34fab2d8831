"""What WeCom and WeChat share: the sealed push of messages and events."""
