"""What every room uses: command lines, files, locks and records, interruption, words and tables for the terminal."""
