"""The media library: checking, storing, uploading to Meta, renewing and removing the files that messages show."""
