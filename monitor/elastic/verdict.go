package elastic

import (
	"net/http"
	"slices"
	"strings"
)

// verdict is the answer for one document.
type verdict struct {
	Status int
	Error  struct{ Type, Reason string }
}

// refusal is the verdict as an error that can be shown: the reason quotes the
// document.
func (v verdict) refusal() *AnswerError {
	return &AnswerError{Status: v.Status, Type: shorten(v.Error.Type)}
}

// indexErrors are the types of errors with status 400 that are about the index or
// the cluster, which somebody can mend.
var indexErrors = map[string]bool{
	"cluster_block_exception": true, "index_closed_exception": true, "index_not_found_exception": true, "security_exception": true,
	"validation_exception": true, // there are as many shards as there may be
}

// indexReasons are the beginnings, in lower case, of reasons of an
// illegal_argument_exception that are about the index: its limits, a pipeline, an
// alias. The others are about the document.
var indexReasons = []string{"limit of ", "this action would add ", "validation failed: ", "pipeline with id ", "no write index is defined "}

// ofDocument reports whether the document will never be taken, whatever is done
// about the index. An error of a type that is not known is the document's if others
// of its request were taken.
func (v verdict) ofDocument(othersTaken bool) bool {
	kind := v.Error.Type
	switch {
	case v.Status == http.StatusRequestEntityTooLarge:
		return true
	case v.Status != http.StatusBadRequest, indexErrors[kind]:
		return false
	case kind == "illegal_argument_exception":
		reason := strings.ToLower(v.Error.Reason[:min(len(v.Error.Reason), 100)])
		return !slices.ContainsFunc(indexReasons, func(begin string) bool { return strings.HasPrefix(reason, begin) })
	case kind == "strict_dynamic_mapping_exception", strings.HasSuffix(kind, "parsing_exception"), strings.HasSuffix(kind, "parse_exception"):
		return true
	}
	return othersTaken
}
