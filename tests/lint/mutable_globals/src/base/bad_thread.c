_Thread_local int mine = 1;
