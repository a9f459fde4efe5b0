"""One file per wire dialect. Pure: a request and a situation in, a reply or work out."""
