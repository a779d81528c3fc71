" Weir: access policies: docs/policy-language.md

if exists("b:current_syntax")
    finish
endif

syn iskeyword @,48-57,_,-

syn match   weirpolicyComment   "#.*$" contains=@Spell
syn region  weirpolicyString    start=+"+ skip=+\\.+ end=+"+
    \ oneline contains=weirpolicyEscape
syn match   weirpolicyEscape    +\\\%(["\\nt]\|u{\x\+}\)+ contained
syn keyword weirpolicyHead      language policy import as
syn keyword weirpolicyBlock     schema role set window test assert
syn keyword weirpolicyBlock     never always shadow
syn keyword weirpolicyPermit    permit
syn keyword weirpolicyDeny      deny
syn keyword weirpolicyScope     who what host from during
syn keyword weirpolicyScope     if unless when includes
syn keyword weirpolicyEffect    limit split slo add_header set_header log status
syn keyword weirpolicyStep      request scheme at subject issuer expect by
syn keyword weirpolicyStep      default
syn keyword weirpolicyStep      claim optional
syn keyword weirpolicyWho       anyone authenticated
syn keyword weirpolicyType      bool int string cidr spiffe
syn keyword weirpolicyOperator  in any all like has
syn keyword weirpolicyBool      true false
syn match   weirpolicyOperator  "[=!<>]=\|&&\|||\|[!<>~]"
syn match   weirpolicyAttr      "\<\%(claim\|path\|source\)\.[A-Za-z0-9_.-]\+"
syn match   weirpolicyAttr      "\<\%(request\|identity\|tls\)\.[a-z]\+"
syn match   weirpolicyAttr      "\<\%(header\|query\)\ze("
syn match   weirpolicyNumber    "\<-\=\d[0-9A-Za-z.:/+-]*"
syn match   weirpolicyUri       "\<spiffe://[^ \t;,)\]]\+"
syn match   weirpolicyPath      "\%(\s\)\@<=/[^ \t;]*"
    \ contains=weirpolicyCapture
syn match   weirpolicyCapture   "{[A-Za-z0-9_-]\+}" contained

hi def link weirpolicyComment   Comment
hi def link weirpolicyString    String
hi def link weirpolicyEscape    SpecialChar
hi def link weirpolicyHead      PreProc
hi def link weirpolicyBlock     Structure
hi def link weirpolicyPermit    Keyword
hi def link weirpolicyDeny      Exception
hi def link weirpolicyScope     Statement
hi def link weirpolicyEffect    Function
hi def link weirpolicyStep      Statement
hi def link weirpolicyWho       Constant
hi def link weirpolicyType      Type
hi def link weirpolicyOperator  Operator
hi def link weirpolicyBool      Boolean
hi def link weirpolicyAttr      Identifier
hi def link weirpolicyNumber    Number
hi def link weirpolicyUri       Underlined
hi def link weirpolicyPath      String
hi def link weirpolicyCapture   Identifier

let b:current_syntax = "weirpolicy"
