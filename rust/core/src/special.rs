//! Special and added tokens, cut out of the text before anything else.
