package svg

// Colours are an ink's by light and by dark.
func Colours(i Ink) [2]string { return [2]string{i.light, i.dark} }
