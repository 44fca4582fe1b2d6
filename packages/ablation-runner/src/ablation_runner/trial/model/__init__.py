"""An arm's model, put together and looked at part by part."""
