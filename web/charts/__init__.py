"""図: accessible charts as inline SVG, from whole numbers to whole coordinates."""
