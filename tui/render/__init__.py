"""Text and roles from values. Pure: no widgets, no styles, no clock."""
