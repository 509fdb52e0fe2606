#!/usr/bin/env python3
"""Stands for a browser: opens the sign-in page, chooses the developer and presses the button."""
import http.cookiejar
import os
import re
import ssl
import sys
import urllib.parse
import urllib.request

if os.fork():
    # The command line waits for its browser to start before it listens to it.
    sys.exit(0)
address = sys.argv[1]
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
opener = urllib.request.build_opener(
    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), urllib.request.HTTPSHandler(context=context)
)
page = opener.open(address).read().decode()
ticket = re.search(r'name="ticket" value="([^"]+)"', page).group(1)
users = re.findall(r'name="user" value="([^"]+)"( checked)?', page)
user = next((name for name, checked in users if checked), users[0][0])
fields = {"ticket": ticket, "user": user, "decision": "allow"}
place = urllib.parse.urlsplit(address)
form = urllib.parse.urlencode(fields).encode()
opener.open(f"{place.scheme}://{place.netloc}/oidc/v1/authorize", form).read()
