"""Products of Meta's catalogs: storing a reading, reading prices, finding them by SKU and by words."""
