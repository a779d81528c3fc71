" Weir: access policies.

autocmd BufRead,BufNewFile *.policy setfiletype weirpolicy
