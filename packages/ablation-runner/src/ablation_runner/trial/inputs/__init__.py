"""What a model reads: items as token ids, images as stored, batches that are the same for every arm."""
