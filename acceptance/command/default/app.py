raise SystemExit("not the first file")
