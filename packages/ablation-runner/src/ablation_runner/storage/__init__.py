"""A run on disk: where everything lies, what names it, and files that a kill cannot leave half done."""
