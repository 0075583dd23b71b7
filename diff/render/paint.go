package render

// paint colours text for a terminal, or leaves it as it is.
type paint bool

func (p paint) wrap(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p paint) bold(text string) string   { return p.wrap("1", text) }
func (p paint) dim(text string) string    { return p.wrap("2", text) }
func (p paint) red(text string) string    { return p.wrap("31", text) }
func (p paint) green(text string) string  { return p.wrap("32", text) }
func (p paint) yellow(text string) string { return p.wrap("33", text) }
