package svg

import (
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"unicode/utf8"
)

// A Drawing is a document being drawn, in units of its own of which the left upper
// corner is 0, 0. What is drawn later covers what was drawn before.
type Drawing struct {
	width float64
	b     strings.Builder
}

// New returns a drawing on paper. Title and description are told by screen readers
// in place of the picture.
func New(width, height int, title, description string) *Drawing {
	d := &Drawing{width: float64(width)}
	// Several pictures may be part of one page, where an id is one element's.
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(title + "\x00" + description)) // a hash takes everything
	id := fmt.Sprintf("cm-%08x", sum.Sum32())
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="%s-t %s-d" font-family="system-ui,sans-serif" font-size="11">`, width, height, id, id)
	d.add(`<title id="%s-t">%s</title>`, id, escape(title))
	d.add(`<desc id="%s-d">%s</desc>`, id, escape(description))
	d.add(`<style>%s</style>`, style)
	d.Rect(Paper, 0, 0, float64(width), float64(height))
	return d
}

// Rect fills a rectangle.
func (d *Drawing) Rect(ink Ink, x, y, width, height float64) {
	d.add(`<rect %s x="%s" y="%s" width="%s" height="%s"/>`, ink.fill(), place(x), place(y), place(width), place(height))
}

// Fill fills what a path encloses. An opacity of 1 hides what is under it.
func (d *Drawing) Fill(ink Ink, opacity float64, path string) {
	if path == "" {
		return
	}
	d.add(`<path %s fill-opacity="%.3g" d="%s"/>`, ink.fill(), opacity, path)
}

// Stroke draws along a path. Dash is the lengths of strokes and gaps, empty for a
// line without. A place where the path only begins is a dot of the width.
func (d *Drawing) Stroke(ink Ink, width float64, dash, path string) {
	if path == "" {
		return
	}
	if dash != "" {
		dash = ` stroke-dasharray="` + dash + `"`
	}
	d.add(`<path %s fill="none" stroke-width="%.3g" stroke-linecap="round" stroke-linejoin="round"%s d="%s"/>`, ink.stroke(), width, dash, path)
}

// Level draws a horizontal line.
func (d *Drawing) Level(ink Ink, width float64, dash string, from, to, y float64) {
	d.Stroke(ink, width, dash, "M"+place(from)+" "+place(y)+"H"+place(to))
}

// Upright draws a vertical line.
func (d *Drawing) Upright(ink Ink, width float64, dash string, x, from, to float64) {
	d.Stroke(ink, width, dash, "M"+place(x)+" "+place(from)+"V"+place(to))
}

// Dot draws a filled circle.
func (d *Drawing) Dot(ink Ink, x, y, radius float64) {
	d.add(`<circle %s cx="%s" cy="%s" r="%.3g"/>`, ink.fill(), place(x), place(y), radius)
}

// An Anchor is the part of a text that is at its place.
type Anchor string

// The anchors.
const (
	Start  Anchor = "start"
	Middle Anchor = "middle"
	End    Anchor = "end"
)

// Write writes a text, of which y is the base line.
func (d *Drawing) Write(ink Ink, anchor Anchor, size int, x, y float64, text string) {
	d.add(`<text %s x="%s" y="%s" text-anchor="%s" font-size="%d">%s</text>`, ink.fill(), place(x), place(y), anchor, size, escape(text))
}

// Values draws the ticks of an axis of values: lines from left to right where y has
// them, and their labels before.
func (d *Drawing) Values(a Axis, left, right float64, y func(v float64) float64) {
	for _, v := range a.Ticks {
		d.Level(Grid, 1, "", left, right, y(v))
		d.Write(Muted, End, 11, left-6, y(v)+4, a.Label(v))
	}
}

// Times draws the ticks of an axis of time that goes from left to right: lines from
// top to bottom, and their labels below.
func (d *Drawing) Times(a TimeAxis, left, right, top, bottom float64) {
	for _, t := range a.Ticks {
		x := left + a.At(t.Time)*(right-left)
		d.Upright(Grid, 1, "", x, top, bottom)
		for i, label := range []string{t.Label, t.Context} {
			if half := TextWidth(label, 11) / 2; label != "" {
				d.Write(Muted, Middle, 11, max(min(x, d.width-half-2), half+2), bottom+16+15*float64(i), label)
			}
		}
	}
}

// Key explains a line by a short piece of it, from x on, and returns where the next
// one may be.
func (d *Drawing) Key(x, y float64, text string, piece func(from, to, y float64)) float64 {
	piece(x, x+18, y-4)
	d.Write(Muted, Start, 11, x+23, y, text)
	return x + 23 + TextWidth(text, 11) + 14
}

// WriteTo writes the document. Nothing is to be drawn after it.
func (d *Drawing) WriteTo(w io.Writer) (int64, error) {
	d.b.WriteString("</svg>\n")
	n, err := io.WriteString(w, d.b.String())
	return int64(n), err
}

func (d *Drawing) add(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

// TextWidth is about how wide a text is.
func TextWidth(text string, size int) float64 {
	width := 0.0
	for _, r := range text {
		if r >= 0x2e80 { // scripts whose characters are squares
			width++
		} else {
			width += .58
		}
	}
	return width * float64(size)
}

// Line is a text in one line of at most so many characters, without control
// characters; one that is cut ends in "…".
func Line(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:max(0, most-1)]) + "…"
}

// escape is text of XML; what XML has no character for is replaced.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}
