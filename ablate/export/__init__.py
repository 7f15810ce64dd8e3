"""Results as files that other programs read and plot: curves in CompressAI's form, tables as CSV or Parquet."""
