"""What each kind of data says of a change: rows of a chart in, statements out."""
