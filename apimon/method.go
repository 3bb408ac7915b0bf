package apimon

import "net/http"

// method is one of the methods that are told apart.
type method uint8

const (
	methodOther method = iota
	methodGet
	methodHead
	methodPost
	methodPut
	methodPatch
	methodDelete
	methodConnect
	methodOptions
	methodTrace
)

var methodNames = [...]string{
	"_OTHER",
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

func (m method) String() string { return methodNames[m] }

// methodOf knows the nine methods of RFC 9110 and RFC 5789. Methods are case
// sensitive: "get" is not one of them.
func methodOf(s string) method {
	switch s {
	case http.MethodGet, "":
		return methodGet
	case http.MethodHead:
		return methodHead
	case http.MethodPost:
		return methodPost
	case http.MethodPut:
		return methodPut
	case http.MethodPatch:
		return methodPatch
	case http.MethodDelete:
		return methodDelete
	case http.MethodConnect:
		return methodConnect
	case http.MethodOptions:
		return methodOptions
	case http.MethodTrace:
		return methodTrace
	}
	return methodOther
}
