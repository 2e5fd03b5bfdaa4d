"""What rows are kept in: JSON lines, JSON lists, CSV, parquet, arrow, folders of them; plain or compressed; pipes."""
