import sys

print("before the end", file=sys.stderr)
sys.exit("there is no table `orders`")
