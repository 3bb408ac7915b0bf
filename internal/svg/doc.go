// Package svg draws charts as SVG documents that stand alone: no script, nothing
// to load, a title and a description for screen readers, and colours for light and
// dark. Many points are drawn as few, without losing one that stands out.
//
// A colour is written on its element and, for the dark, in a style sheet that asks
// prefers-color-scheme. Where that is not understood, or not allowed in a page, the
// picture is a light one.
package svg
