"""What an X server lets this client have: how many of its extensions, and what is on its screen."""

from Xlib import X
from Xlib.display import Display
from Xlib.error import XError

display = Display()
print(len(display.list_extensions()) > 5, "SECURITY" in display.list_extensions())
try:
    image = display.screen().root.get_image(0, 0, 1, 1, X.ZPixmap, 0xFFFFFFFF)
    print(f"sees {len(image.data)} bytes")
except XError as error:
    print(type(error).__name__)
