"""Images on disk and in memory: reading and writing, tones, color, archives, masks, drawn shapes."""
