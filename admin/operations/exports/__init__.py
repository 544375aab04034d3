"""Takes lists out as CSV and XLSX files: which rows, which columns, who did it."""
