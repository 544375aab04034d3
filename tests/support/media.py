"""Files that look like what they are, to whoever reads their first bytes."""

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\0" * 40
