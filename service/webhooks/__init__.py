"""Webhooks as the Standard Webhooks specification has them: an outbox, a deliverer, and the log over HTTP."""
