"""WhatsApp Cloud API as its fact sheet describes it: calls in, signed webhooks out."""
