// The page Front.
import { make } from './pages.js';

document.getElementById('main').append(make('p', {}, 'Soon.'));
