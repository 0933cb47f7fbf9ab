"""How clients become the bytes of a file: cells, records, blocks, names."""
