"""Is a copy of a file what its manifest says? Pure: reads the copy through `FileBytes`, decides by the manifest."""
