package recordfile

import "os"

// Syncing is called, if it is not nil, before a file or a directory is made
// durable. It is set before anything is written: recordfiletest's tests of what
// outlives a power cut are by it.
var Syncing func(path string)

// Sync makes durable what was written to a file.
func Sync(file *os.File) error {
	syncing(file.Name())
	return file.Sync()
}

func syncing(path string) {
	if Syncing != nil {
		Syncing(path)
	}
}
