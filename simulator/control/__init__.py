"""The control plane under /_sim: what a test or a person may order and ask (section 8)."""
