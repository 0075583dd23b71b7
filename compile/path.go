package compile

import (
	"io/fs"
	"path"
	"strings"
)

// CheckPath says why a file of flags at this path of the flag repository, such as flags/payments/refunds.cue, would be refused
// or left out, and what to do instead; nil if it would not, as far as its path alone decides. The error is an [Error].
func CheckPath(file string) error {
	steps := strings.Split(path.Dir(file), "/")
	e := &Error{File: file, Hint: "write a path such as flags/payments/refunds.cue"}
	switch {
	case !fs.ValidPath(file) || !isCUE(file):
		e.Message = "this is not the path of a CUE file"
		return e
	case steps[0] != flagsDir || len(steps) == 1:
		e.Message = "flags stand in folders below " + flagsDir
		return e
	case steps[1] == path.Base(segmentsDir):
		e.Message, e.Hint = segmentsDir+" is the folder of the segments", "choose another folder"
		return e
	}
	for i, name := range steps[1:] {
		if why := folderProblem(path.Join(steps[:i+1]...), name); why != "" {
			e.Message, e.Hint = why, "choose another folder"
			return e
		}
	}
	if e := fileNameProblem(file); e != nil {
		return e
	}
	return nil
}
