package svg

import "strings"

// An Ink is a colour in the light and in the dark.
type Ink struct{ name, light, dark string }

// The inks. Those of text have a contrast of 4.5 and more to the paper, and those
// of lines of 3 and more, on shaded windows too, as WCAG 2.2 asks (1.4.3, 1.4.11).
var (
	Paper  = Ink{"paper", "#ffffff", "#14181d"}
	Text   = Ink{"text", "#222222", "#e8eaed"}
	Muted  = Ink{"muted", "#555555", "#b0b7c0"} // labels of axes
	Grid   = Ink{"grid", "#e3e3e3", "#2d343c"}  // seen, not read
	Series = Ink{"series", "#222222", "#f1f3f4"}
	Model  = Ink{"model", "#1f5fa8", "#7fb5f5"} // what was expected
	Band   = Ink{"band", "#9dbfe8", "#2c5580"}
	Wide   = Ink{"wide", "#cfe0f5", "#1d3248"} // the band around the band
	Alarm  = Ink{"alarm", "#b3261e", "#ff8a80"}
	Window = Ink{"window", "#fbe9bf", "#4a3c16"}
)

// Inks lists them all.
func Inks() []Ink {
	return []Ink{Paper, Text, Muted, Grid, Series, Model, Band, Wide, Alarm, Window}
}

// fill and stroke are attributes.
func (i Ink) fill() string   { return `class="cm-f-` + i.name + `" fill="` + i.light + `"` }
func (i Ink) stroke() string { return `class="cm-s-` + i.name + `" stroke="` + i.light + `"` }

// style is the sheet of the dark. Class names begin so that they are nobody else's
// where the picture becomes part of a page.
var style = func() string {
	var b strings.Builder
	for _, i := range Inks() {
		b.WriteString(".cm-f-" + i.name + "{fill:" + i.dark + "}.cm-s-" + i.name + "{stroke:" + i.dark + "}")
	}
	return "@media (prefers-color-scheme:dark){" + b.String() + "}"
}()
