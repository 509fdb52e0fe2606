import sys

print("before the end")
sys.exit("there is no table `orders`")
