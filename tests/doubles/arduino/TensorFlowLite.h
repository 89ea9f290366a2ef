// Test double: the real header only makes the Arduino builder find the library.
