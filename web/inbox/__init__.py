"""受信: files that come by folder, page or command, on one way into the books and the archive."""
