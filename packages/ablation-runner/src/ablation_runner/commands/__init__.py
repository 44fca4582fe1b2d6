"""The subcommands of `ablate`, by what they are about; each imports what it needs when it is called."""
